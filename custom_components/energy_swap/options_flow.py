"""A household's preferences; a change sets the household up anew by itself."""

from typing import Any, Final

import probatio
from homeassistant.config_entries import ConfigFlowResult, OptionsFlowWithReload
from homeassistant.helpers.selector import (
    BooleanSelector,
    EntitySelector,
    EntitySelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
)

from .const import (
    CONF_ADMINS_ONLY,
    CONF_MOST_KES,
    CONF_POWER_SECONDS,
    CONF_STATISTICS,
    CONF_WEATHER,
    DEFAULT_POWER_SECONDS,
    KES,
)
from .fields import MONEY

SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_POWER_SECONDS, default=DEFAULT_POWER_SECONDS): probatio.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=1, max=60, step=1, mode=NumberSelectorMode.SLIDER, unit_of_measurement="s"
                )
            ),
            probatio.Coerce(int),
        ),
        probatio.Required(CONF_STATISTICS, default=True): BooleanSelector(),
        probatio.Required(CONF_MOST_KES, default=0): probatio.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=0, max=MONEY.most, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement=KES
                )
            ),
            probatio.Coerce(int),
        ),
        probatio.Required(CONF_ADMINS_ONLY, default=False): BooleanSelector(),
        probatio.Optional(CONF_WEATHER): EntitySelector(EntitySelectorConfig(domain="weather")),
    }
)


class EnergySwapOptionsFlow(OptionsFlowWithReload):
    """Changes the preferences."""

    async def async_step_init(self, user_input: dict[str, Any] | None = None) -> ConfigFlowResult:
        """Ask for all of them at once."""
        if user_input is not None:
            return self.async_create_entry(data=user_input)
        schema = self.add_suggested_values_to_schema(SCHEMA, self.config_entry.options)
        return self.async_show_form(step_id="init", data_schema=schema)
