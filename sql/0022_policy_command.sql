-- A session takes an approved risk policy by command, as it takes a model.

ALTER TABLE session_commands DROP CONSTRAINT session_commands_kind_check;
ALTER TABLE session_commands ADD CONSTRAINT session_commands_kind_check
    CHECK (kind IN ('model_authorised', 'policy_approved', 'activate', 'reduce', 'halt', 'stop'));
