-- Orders, fills, the executor's lease, pre-trade denials, governor and trading states, incidents.
-- What was decided or happened is never changed: the journals below take INSERT and SELECT only.

CREATE TABLE installation (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    uuid        uuid        NOT NULL,
    last_seq    bigint      NOT NULL DEFAULT 0,     -- last intent_seq given out
    created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE executor_leases (
    name        text        PRIMARY KEY,
    holder      text        NOT NULL,
    epoch       bigint      NOT NULL,
    expires_at  timestamptz NOT NULL                -- the database's clock, the only one that two executors share
);

CREATE TABLE order_intents (
    intent_id        bigint      PRIMARY KEY,
    client_order_id  text        NOT NULL UNIQUE,
    venue            text        NOT NULL,
    account          text        NOT NULL,
    strategy         text        NOT NULL,
    symbol           text        NOT NULL,
    side             text        NOT NULL CHECK (side IN ('buy', 'sell')),
    kind             text        NOT NULL,
    quantity         numeric     NOT NULL CHECK (quantity > 0),
    price            numeric     CHECK (price > 0),
    trigger_price    numeric     CHECK (trigger_price > 0),
    reduce_only      boolean     NOT NULL,
    protect_price    numeric     CHECK (protect_price > 0),
    decision_id      text,
    model_id         text,
    epoch            bigint      NOT NULL,
    created_at       timestamptz NOT NULL,          -- wire clock
    deadline         timestamptz NOT NULL
);
CREATE INDEX order_intents_by_symbol ON order_intents (venue, account, symbol, intent_id);
CREATE INDEX order_intents_by_decision ON order_intents (decision_id) WHERE decision_id IS NOT NULL;

-- One hash chain per venue and account: hash = SHA-256(prev_hash | canonical JSON of the row).
CREATE TABLE order_events (
    venue      text        NOT NULL,
    account    text        NOT NULL,
    chain_seq  bigint      NOT NULL,
    intent_id  bigint      NOT NULL REFERENCES order_intents,
    at         timestamptz NOT NULL,
    event      jsonb       NOT NULL,
    prev_hash  text        NOT NULL,
    hash       text        NOT NULL,
    PRIMARY KEY (venue, account, chain_seq)
);
CREATE INDEX order_events_by_intent ON order_events (intent_id, chain_seq);

-- Projection of order_events, written in the same transaction.
CREATE TABLE orders (
    intent_id           bigint  PRIMARY KEY REFERENCES order_intents,
    state               text    NOT NULL,
    quantity            numeric NOT NULL,
    filled              numeric NOT NULL CHECK (filled >= 0 AND filled <= quantity),
    not_founds          integer NOT NULL,
    venue_order_id      text,
    triggered_order_id  text,
    code                text
);
CREATE INDEX orders_alive ON orders (intent_id) WHERE state NOT IN ('filled', 'canceled', 'rejected', 'not_accepted', 'expired');

CREATE TABLE fills (
    fill_id         bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    venue           text        NOT NULL,
    account         text        NOT NULL,
    symbol          text        NOT NULL,
    trade_id        text        NOT NULL,
    venue_order_id  text        NOT NULL,
    intent_id       bigint      REFERENCES order_intents,   -- null: no order of ours (a liquidation, a person's order)
    side            text        NOT NULL CHECK (side IN ('buy', 'sell')),
    quantity        numeric     NOT NULL CHECK (quantity > 0),
    price           numeric     NOT NULL CHECK (price > 0),
    fee             numeric     NOT NULL,
    fee_asset       text        NOT NULL,
    maker           boolean     NOT NULL,
    traded_at       timestamptz NOT NULL,
    recorded_at     timestamptz NOT NULL,
    PRIMARY KEY (venue, account, symbol, trade_id)
);
CREATE INDEX fills_by_intent ON fills (intent_id);

CREATE TABLE pre_trade_denials (
    denial_id    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    venue        text        NOT NULL,
    account      text        NOT NULL,
    strategy     text        NOT NULL,
    symbol       text        NOT NULL,
    side         text        NOT NULL,
    kind         text        NOT NULL,
    quantity     text        NOT NULL,              -- text: a denied quantity need not be a number
    price        text,
    decision_id  text,
    model_id     text,
    code         text        NOT NULL,
    observed     text        NOT NULL,
    limit_value  text        NOT NULL,
    message      text        NOT NULL
);
CREATE INDEX pre_trade_denials_by_decision ON pre_trade_denials (decision_id);

CREATE TABLE governor_states (
    change_id        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue            text        NOT NULL,
    account          text        NOT NULL,
    at               timestamptz NOT NULL,
    state            text        NOT NULL,
    high_water_mark  numeric     NOT NULL,
    equity           numeric     NOT NULL,
    calm_since_ms    bigint,                        -- market clock
    reason           text        NOT NULL,
    actor            text        NOT NULL
);
CREATE INDEX governor_states_newest ON governor_states (venue, account, change_id DESC);

CREATE TABLE trading_states (
    change_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    venue      text        NOT NULL,
    account    text        NOT NULL,
    at         timestamptz NOT NULL,
    state      text        NOT NULL CHECK (state IN ('active', 'reducing', 'halted')),
    reason     text        NOT NULL,
    actor      text        NOT NULL
);
CREATE INDEX trading_states_newest ON trading_states (venue, account, change_id DESC);

CREATE TABLE account_days (
    venue         text    NOT NULL,
    account       text    NOT NULL,
    day           date    NOT NULL,                 -- market clock, UTC
    start_equity  numeric NOT NULL,
    PRIMARY KEY (venue, account, day)
);

-- Open incidents are unique per dedupe key; the same trouble after it was resolved is a new one.
CREATE TABLE incidents (
    incident_id  bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    kind         text        NOT NULL,
    severity     text        NOT NULL CHECK (severity IN ('info', 'warning', 'critical')),
    dedupe_key   text        NOT NULL,
    details      jsonb       NOT NULL,
    resolved_at  timestamptz
);
CREATE UNIQUE INDEX incidents_open ON incidents (dedupe_key) WHERE resolved_at IS NULL;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a journal: rows are inserted and read, never changed (tried %)', TG_TABLE_NAME, TG_OP
        USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON order_intents FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON order_events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON fills FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON pre_trade_denials FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON governor_states FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER journal BEFORE UPDATE OR DELETE OR TRUNCATE ON trading_states FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A terminal state is absorbing and a filled quantity never falls, whoever writes.
CREATE FUNCTION guard_order() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state IN ('filled', 'canceled', 'rejected', 'not_accepted', 'expired') AND NEW.state <> OLD.state THEN
        RAISE EXCEPTION 'order %: terminal state % cannot become %', OLD.intent_id, OLD.state, NEW.state
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.filled < OLD.filled THEN
        RAISE EXCEPTION 'order %: filled quantity cannot fall from % to %', OLD.intent_id, OLD.filled, NEW.filled
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER guard BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION guard_order();
