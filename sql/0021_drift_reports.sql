-- Pages that show the drift of a version to people; the pages are files, addressed by their content.

CREATE TABLE drift_reports (
    report_id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model_id       text        NOT NULL REFERENCES models,
    content_hash   text        NOT NULL,
    critical       text[]      NOT NULL,       -- columns that were critical when it was made
    made_at        timestamptz NOT NULL        -- wire clock
);
CREATE INDEX drift_reports_by_model ON drift_reports (model_id, report_id DESC);
