"""Settings of an API that lets everybody in: for tests that register as many people as they need, which most do."""

from auth_service.domain.limit import Limit
from auth_service.settings import ApiSettings

NO_LIMITS = {
    f"AUTH_{name.upper()}": "off"
    for name in (*(name for name in ApiSettings.model_fields if name.startswith("limit_")), "campaign")
}
"""For processes."""

NO_LIMITS_VALUES = {
    name.removeprefix("AUTH_").lower(): None if name == "AUTH_CAMPAIGN" else Limit() for name in NO_LIMITS
}
"""For `ApiSettings` in this process."""
