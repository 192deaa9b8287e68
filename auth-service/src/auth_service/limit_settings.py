"""The settings of what protects against strangers: limits, proofs of work, held letters."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from auth_service.domain.limit import parse_limit
from auth_service.setting_values import DEFAULT_SUSPICION, LimitSetting, SuspicionSetting
from service_runtime.setting_types import ProcessSettings


class CampaignSettings(ProcessSettings):
    """What API and worker must agree on.

    Attributes:
        limit_mailbox: requests for letters to one mailbox, over all purposes, and reminders.
        hold_minutes: how long letters of a registration are held, where they are to be.
        campaign: when few of the registrations are confirmed, so that a proof of work is asked for, and letters are held.
    """

    model_config = SettingsConfigDict(env_prefix="AUTH_")

    limit_mailbox: LimitSetting = parse_limit("1/minute 5/hour 10/day")
    hold_minutes: Annotated[int, Field(ge=1, le=720)] = 60
    campaign: SuspicionSetting = DEFAULT_SUSPICION

    @property
    def hold_period(self) -> timedelta:
        """How long letters are held."""
        return timedelta(minutes=self.hold_minutes)


class LimitSettings(CampaignSettings):
    """What the API counts.

    Attributes:
        limit_source: requests for letters from one network address.
        limit_source_codes: codes and links sent in from one network address.
        limit_codes: wrong codes for one mailbox.
        limit_sign_in: wrong passwords for one address.
        limit_source_sign_in: wrong passwords from one network address.
        limit_source_refresh: refresh tokens that are not good from one network address.
        limit_all_sign_in: wrong passwords of everybody together, above which a proof of work is asked for.
        limit_all: registrations of everybody together, above which a proof of work is asked for.
        limit_proved: registrations with a proof of work, above which their letters are held.
        proof_tries: numbers a browser tries at most for a proof of work, about half a millisecond each.
    """

    limit_source: LimitSetting = parse_limit("30/hour")
    limit_source_codes: LimitSetting = parse_limit("60/hour")
    limit_codes: LimitSetting = parse_limit("20/day")
    limit_sign_in: LimitSetting = parse_limit("10/minute 30/hour 100/day")
    limit_source_sign_in: LimitSetting = parse_limit("20/minute 100/hour")
    limit_source_refresh: LimitSetting = parse_limit("60/minute 600/hour")
    limit_all_sign_in: LimitSetting = parse_limit("600/minute")
    limit_all: LimitSetting = parse_limit("120/minute")
    limit_proved: LimitSetting = parse_limit("60/minute")
    proof_tries: Annotated[int, Field(ge=100, le=1_000_000)] = 2000

    def off(self) -> Sequence[str]:
        """Returns the variables of what protects against strangers and is off."""
        limits = [name for name in type(self).model_fields if name.startswith("limit_")]
        off = [name for name in limits if getattr(self, name).is_off]
        return [f"AUTH_{name.upper()}" for name in (*off, *(["campaign"] if self.campaign is None else []))]
