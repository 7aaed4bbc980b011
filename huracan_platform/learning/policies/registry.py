"""Which risk policies there are, what was found about them, and which one a symbol may use."""

from __future__ import annotations

from typing import Any

from huracan_platform.brain.connection import Brain
from huracan_platform.brain.learning.policies import PolicyRepository
from huracan_platform.clock import Clock
from huracan_platform.contracts.model import ModelCard
from huracan_platform.contracts.policy import PolicyCard, PolicyVerdict, RiskPolicy
from huracan_platform.errors import PermanentError
from huracan_platform.learning.content import ContentStore
from huracan_platform.learning.models.manifest import HASH_IN_NAME, base_of
from huracan_platform.learning.policies.actor import SPEC_FILE, WEIGHTS_FILE, ActorPolicy
from huracan_platform.learning.policies.rules import FallbackPolicy
from huracan_platform.settings import RiskPolicySettings

FALLBACK = "fallback"  # in the place of a policy's id


class PolicyRegistry:
    """Policies of all symbols; artefacts under `<artefact_root>/policies`, a path or any fsspec URL."""

    def __init__(self, brain: Brain, artefact_root: str) -> None:
        self._store = ContentStore(f"{artefact_root.rstrip('/')}/policies", "policy", (SPEC_FILE, WEIGHTS_FILE))
        self._policies = PolicyRepository(brain)

    def register(self, actor: ActorPolicy, manifest: dict[str, Any], model: ModelCard, clock: Clock) -> PolicyCard:
        """Store the artefact and enter the policy as the symbol's next version; the same one twice is one version."""
        artefact_hash = self._store.save(actor.files)
        name = f"{base_of(model.symbol)}-risk-v{{version}}-{artefact_hash[:HASH_IN_NAME]}"
        return self._policies.add(
            PolicyCard(
                name, model.venue, model.symbol, 0, artefact_hash, model.model_id, model.dataset_hash, manifest, clock.wire_ms()
            )
        )

    def card(self, policy_id: str) -> PolicyCard:
        """The version of that id.

        Raises
        ------
        PermanentError
            There is none.
        """
        card = self._policies.get(policy_id)
        if card is None:
            raise PermanentError(f"policy: expected a registered id (see `huracan policies`), got {policy_id!r}")
        return card

    def cards(self, *, venue: str | None = None, symbol: str | None = None) -> list[PolicyCard]:
        """All versions by symbol and version; None does not narrow."""
        return self._policies.all(venue=venue, symbol=symbol)

    def load(self, policy_id: str) -> ActorPolicy:
        """The policy itself, its hash checked before anything is parsed.

        Raises
        ------
        PermanentError
            Unknown id or missing artefact.
        DataContractError
            The artefact is not what was registered.
        """
        return ActorPolicy.from_files(self._store.load(self.card(policy_id).artefact_hash))

    def record(self, verdict: PolicyVerdict) -> None:
        """Append a verdict."""
        self._policies.add_verdict(verdict)

    def verdict(self, policy_id: str) -> PolicyVerdict | None:
        """The newest verdict on a version; None where it was never judged."""
        return self._policies.verdict(policy_id)

    def approved(self, venue: str, symbol: str, settings: RiskPolicySettings) -> PolicyCard | None:
        """The version that the symbol may use: the settings' one, else the newest, if its newest verdict approves it."""
        for card in reversed(self.cards(venue=venue, symbol=symbol)):
            wanted = settings.version is None or settings.version == card.policy_id
            verdict = self.verdict(card.policy_id) if wanted else None
            if verdict is not None and verdict.approved:
                return card
        return None

    def policy_for(self, venue: str, symbol: str, settings: RiskPolicySettings) -> tuple[str, RiskPolicy]:
        """Id and policy that the symbol uses while policies are on: the approved one, else the rules, as "fallback"."""
        card = self.approved(venue, symbol, settings)
        if card is None:
            return FALLBACK, FallbackPolicy(settings.max_leverage, settings.stop_loss)
        return card.policy_id, self.load(card.policy_id)
