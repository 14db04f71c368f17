"""Adding and changing a household's standing offers and extra meters."""

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, Final, override

import probatio
from homeassistant.config_entries import ConfigEntryState, ConfigSubentryFlow, SubentryFlowResult
from homeassistant.const import CONF_ENTITY_ID, CONF_NAME, WEEKDAYS
from homeassistant.helpers.selector import (
    EntitySelector,
    EntitySelectorConfig,
    EntityWithDeviceFilterSelectorConfig,
    NumberSelector,
    NumberSelectorConfig,
    NumberSelectorMode,
    SelectSelector,
    SelectSelectorConfig,
    SelectSelectorMode,
    TextSelector,
    TimeSelector,
)

from .amounts import AmountError, whole_units
from .coordinator import EnergySwapConfigEntry
from .extra_meter import CONF_GRID_PRICE
from .fields import ENERGY, PRICE, Measure
from .offers import CONF_DAYS, CONF_ENERGY, CONF_MINUTES, CONF_PRICE, CONF_SIDE, CONF_TIME

MOST_MINUTES: Final = 24 * 60


def _number(measure: Measure) -> NumberSelector:
    return NumberSelector(
        NumberSelectorConfig(
            min=measure.least / measure.units,
            max=measure.most / measure.units,
            step=1 / measure.units,
            mode=NumberSelectorMode.BOX,
            unit_of_measurement=measure.unit,
        )
    )


OFFER_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_SIDE, default="sell"): SelectSelector(
            SelectSelectorConfig(options=["sell", "buy"], translation_key="side", mode=SelectSelectorMode.LIST)
        ),
        probatio.Required(CONF_ENERGY): _number(ENERGY),
        probatio.Required(CONF_PRICE): _number(PRICE),
        probatio.Required(CONF_TIME, default="17:00:00"): TimeSelector(),
        probatio.Required(CONF_DAYS, default=list(WEEKDAYS)): SelectSelector(
            SelectSelectorConfig(options=list(WEEKDAYS), translation_key="weekday", multiple=True)
        ),
        probatio.Required(CONF_MINUTES, default=120): probatio.All(
            NumberSelector(
                NumberSelectorConfig(
                    min=1, max=MOST_MINUTES, step=1, mode=NumberSelectorMode.BOX, unit_of_measurement="min"
                )
            ),
            probatio.Coerce(int),
        ),
    }
)

METER_SCHEMA: Final = probatio.Schema(
    {
        probatio.Required(CONF_NAME): TextSelector(),
        probatio.Required(CONF_ENTITY_ID): EntitySelector(
            EntitySelectorConfig(
                filter=EntityWithDeviceFilterSelectorConfig(domain="sensor", device_class="energy")
            )
        ),
        probatio.Required(CONF_GRID_PRICE): _number(PRICE),
    }
)


class _PartFlow(ConfigSubentryFlow):
    """Asks once for everything, to add a part or to change it."""

    schema: probatio.Schema

    @abstractmethod
    def take(self, user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return what is kept, and the errors of the form."""

    async def async_step_user(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Add one."""
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = self.take(user_input)
            if not errors:
                return self.async_create_entry(title=user_input[CONF_NAME].strip(), data=data)
        return self._ask("user", user_input or self.proposed(), errors)

    async def async_step_reconfigure(self, user_input: dict[str, Any] | None = None) -> SubentryFlowResult:
        """Change one."""
        subentry = self._get_reconfigure_subentry()
        errors: dict[str, str] = {}
        if user_input is not None:
            data, errors = self.take(user_input)
            if not errors:
                title = user_input[CONF_NAME].strip()
                return self.async_update_and_abort(self._get_entry(), subentry, title=title, data=data)
        suggested = user_input or {CONF_NAME: subentry.title, **self.shown(subentry.data)}
        return self._ask("reconfigure", suggested, errors)

    def proposed(self) -> dict[str, Any] | None:
        """Return what a new part may begin with; a form would else begin with the least that it takes."""
        return None

    def shown(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is kept as the form shows it."""
        return dict(data)

    def _ask(self, step: str, suggested: Mapping[str, Any] | None, errors: dict[str, str]) -> SubentryFlowResult:
        return self.async_show_form(
            step_id=step,
            data_schema=self.add_suggested_values_to_schema(self.schema, suggested),
            errors=errors,
        )


class StandingOfferFlow(_PartFlow):
    """The same order again and again."""

    schema = OFFER_SCHEMA

    @override
    def proposed(self) -> dict[str, Any] | None:
        """Propose one kWh at the price for which the household sells anyway."""
        entry: EnergySwapConfigEntry = self._get_entry()
        market = entry.runtime_data.data["market"] if entry.state is ConfigEntryState.LOADED else None
        cents = None if market is None else market["sell_at_least"]
        return None if cents is None else {CONF_ENERGY: 1, CONF_PRICE: cents / PRICE.units}

    @override
    def take(self, user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the offer in whole units."""
        data = {key: known for key, known in user_input.items() if key != CONF_NAME}
        errors = {} if user_input[CONF_DAYS] else {CONF_DAYS: "no_day"}
        for field, measure in ((CONF_ENERGY, ENERGY), (CONF_PRICE, PRICE)):
            try:
                data[field] = whole_units(user_input[field], measure.units)
            except AmountError:  # the form's own limits leave only one thing to be wrong
                errors[field] = "too_fine"
        return data, errors

    @override
    def shown(self, data: Mapping[str, Any]) -> dict[str, Any]:
        """Return the offer in kWh and KES."""
        return {
            **data,
            CONF_ENERGY: data[CONF_ENERGY] / ENERGY.units,
            CONF_PRICE: data[CONF_PRICE] / PRICE.units,
        }


class ExtraMeterFlow(_PartFlow):
    """A part of the house that has an energy sensor."""

    schema = METER_SCHEMA

    @override
    def take(self, user_input: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
        """Return which sensor, and the grid's price."""
        return {key: known for key, known in user_input.items() if key != CONF_NAME}, {}
