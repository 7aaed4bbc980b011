-- A session hears by command of a risk policy that was judged, as of a model that was authorised.

ALTER TABLE session_commands DROP CONSTRAINT session_commands_kind_check;
ALTER TABLE session_commands ADD CONSTRAINT session_commands_kind_check
    CHECK (kind IN ('model_authorised', 'policy_judged', 'activate', 'reduce', 'halt', 'stop'));
