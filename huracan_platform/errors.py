"""Errors, named by the reaction they ask for.

An expected outcome (a failed gate, a denied order, a rejected batch) is a value with a reason, not an
exception. Messages say what was expected and what was got, with values.
"""


class HuracanError(Exception):
    """Base of every error the platform raises on purpose. `exit_code` is what the CLI ends with."""

    exit_code = 1


class TransientError(HuracanError):
    """Worth a retry: time-outs, dropped connections, an overloaded venue or database."""

    exit_code = 75


class PermanentError(HuracanError):
    """A retry cannot help: bad arguments, unknown symbol, refused credentials, missing file."""

    exit_code = 2


class UntoldError(PermanentError):
    """What was asked for is not told there, of this symbol or at all. It is no fault, and asking again brings nothing."""


class ConfigurationError(PermanentError):
    """The settings are wrong: names the setting, what was expected and what was got."""

    exit_code = 78


class DataContractError(HuracanError):
    """Data broke its contract. The batch belongs in quarantine; it must not reach the library."""

    exit_code = 65


class HaltTradingError(HuracanError):
    """Trading must stop now and a person must look: lost lease, unexplained position, clock too far off."""

    exit_code = 70
