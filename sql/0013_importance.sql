-- What each model version relied on, measured on its held-out rows. A version is measured once: the same rows, the same answer.

CREATE TABLE feature_importance (
    model_id           text             NOT NULL REFERENCES models,
    feature            text             NOT NULL,
    rank               integer          NOT NULL CHECK (rank > 0),
    contribution       double precision NOT NULL,
    permutation        double precision NOT NULL,
    permutation_error  double precision NOT NULL,
    measured_at        timestamptz      NOT NULL,       -- wire clock
    PRIMARY KEY (model_id, feature),
    UNIQUE (model_id, rank)
);
