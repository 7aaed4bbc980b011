-- Whether a session of a name is to run at all: a person's word, the newest counts, none means off.

CREATE TABLE session_switches (
    change_id   bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        text        NOT NULL,
    wanted      boolean     NOT NULL,
    changed_by  text        NOT NULL,
    reason      text        NOT NULL,
    changed_at  timestamptz NOT NULL
);
CREATE INDEX session_switches_newest ON session_switches (name, change_id DESC);
