"""Where the sun stands and what it gives without clouds, and what panels make of it: pvlib, by arrays of time."""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .household import Floats

# Sea level, a moderately clear atmosphere (Linke 3); learning from the home corrects what this misses.
_LINKE_TURBIDITY: Final = 3.0
_PER_DEGREE: Final = 0.004  # what a usual panel loses per degree of the cell above 25 °C
_CELL_RISE: Final = 0.03  # degrees per W/m² on the panel (NOCT 45 °C: 25 degrees at 800 W/m²)
_AIR_C: Final = 20.0  # where no temperature is known
_AT_ONCE: Final = 1500  # moments
_MINUTES: Final = (10, 30, 50)  # of the hour, at which the sun is looked up


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """The clear sky by hour: irradiances in W/m², angles in degrees at half past."""

    global_wm2: Floats
    plane_wm2: Floats
    elevation: Floats
    azimuth: Floats


@dataclass(frozen=True, slots=True)
class Panels:
    """Where the panels look: tilt from level, azimuth clockwise from north, both in degrees."""

    tilt: float
    azimuth: float


def usual_panels(latitude: float, tilt: float | None, azimuth: float | None) -> Panels:
    """Return what was said of the panels; unsaid: tilted by the latitude (10° to 35°) and towards the equator."""
    return Panels(
        min(max(abs(latitude), 10.0), 35.0) if tilt is None else tilt,
        (180.0 if latitude >= 0 else 0.0) if azimuth is None else azimuth,
    )


def clear_sky(seconds: NDArray[np.int64], latitude: float, longitude: float, panels: Panels) -> Sky:
    """Return the clear sky of the hours that begin at Unix ``seconds``.

    Sun by NREL's SPA, irradiance by Ineichen and Perez, on the plane by Hay and Davies, each as pvlib has it.
    """
    total, plane = np.zeros(len(seconds)), np.zeros(len(seconds))
    elevation = azimuth = total
    for minute in _MINUTES:
        zenith, azimuth_then = _position(seconds + 60 * minute, latitude, longitude)
        overall, beam, diffuse, extra = _irradiance(seconds + 60 * minute, zenith)
        total = total + overall / len(_MINUTES)
        plane = plane + on_plane(zenith, azimuth_then, beam, overall, diffuse, extra, panels) / len(_MINUTES)
        if minute == 30:
            elevation, azimuth = 90 - zenith, azimuth_then
    return Sky(total, plane, elevation, azimuth)


def plane_under_clouds(
    seconds: NDArray[np.int64], latitude: float, longitude: float, panels: Panels, clearness: Floats
) -> Floats:
    """Return W/m² on the panels where the sky lets through ``clearness`` of the clear sky's global irradiance.

    Beam and diffuse parts by Erbs, at three moments of each hour, so that sunrise and sunset have their shape.
    """
    from pvlib.irradiance import erbs

    plane = np.zeros(len(seconds))
    for minute in _MINUTES:
        moment = seconds + 60 * minute
        zenith, azimuth = _position(moment, latitude, longitude)
        overall, _, _, extra = _irradiance(moment, zenith)
        overall = overall * np.clip(clearness, 0, 1.25)
        with np.errstate(all="ignore"):
            parts = erbs(overall, zenith, _day_of_year(moment))
        beam, diffuse = np.nan_to_num(parts["dni"]), np.nan_to_num(parts["dhi"])
        plane += on_plane(zenith, azimuth, beam, overall, diffuse, extra, panels) / len(_MINUTES)
    return plane


def on_plane(
    zenith: Floats,
    azimuth: Floats,
    beam: Floats,
    overall: Floats,
    diffuse: Floats,
    extra: Floats,
    panels: Panels,
) -> Floats:
    """Return the irradiance on the panels in W/m²: beam, sky (Hay and Davies) and ground (albedo 0.25)."""
    from pvlib.irradiance import get_total_irradiance

    with np.errstate(all="ignore"):
        parts = get_total_irradiance(
            panels.tilt,
            panels.azimuth,
            zenith,
            azimuth,
            beam,
            overall,
            diffuse,
            dni_extra=extra,
            model="haydavies",
        )
    return np.nan_to_num(np.asarray(parts["poa_global"], dtype=np.float64))


def output_wh(plane_wm2: Floats, air_c: Floats, rated_w: float) -> Floats:
    """Return what panels of ``rated_w`` make in an hour, in Wh: P = P_rated · I / I_STC · η_temp.

    I_STC is 1000 W/m²; η_temp = 1 - 0.004 (T_cell - 25 °C) with T_cell = T_air + 0.03 I, the slope of a NOCT of
    45 °C. The remaining losses (dirt, wiring, inverter, shade) are what is learned from the home.
    """
    cell = np.where(np.isnan(air_c), _AIR_C, air_c) + _CELL_RISE * plane_wm2
    made: Floats = rated_w * plane_wm2 / 1000 * np.clip(1 - _PER_DEGREE * (cell - 25), 0.5, 1.2)
    return made


def _position(seconds: NDArray[np.int64], latitude: float, longitude: float) -> tuple[Floats, Floats]:
    """Return apparent zenith and azimuth in degrees."""
    from pvlib.spa import solar_position

    # By parts: it holds 64 terms of each moment in memory at once.
    angles = [
        solar_position(
            part.astype(np.float64), latitude, longitude, 0.0, 1013.25, 12.0, 67.0, 0.5667, numthreads=1
        )
        for part in np.array_split(seconds, len(seconds) // _AT_ONCE + 1)
    ]
    zenith, azimuth = (np.concatenate([np.asarray(one[row], np.float64) for one in angles]) for row in (0, 4))
    return zenith, azimuth


def _irradiance(seconds: NDArray[np.int64], zenith: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return global, beam and diffuse irradiance under a clear sky, and the beam above the atmosphere, in W/m²."""
    from pvlib.atmosphere import get_absolute_airmass, get_relative_airmass
    from pvlib.clearsky import ineichen

    angle = math.tau * (_day_of_year(seconds) - 1) / 365.0
    extra = 1366.1 * (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle)
        + 0.000077 * np.sin(2 * angle)
    )
    with np.errstate(all="ignore"):  # below the horizon
        airmass = get_absolute_airmass(get_relative_airmass(zenith))
        sky = ineichen(zenith, airmass, _LINKE_TURBIDITY, altitude=0, dni_extra=extra)
    overall, beam, diffuse = (
        np.nan_to_num(np.asarray(sky[name], dtype=np.float64)) for name in ("ghi", "dni", "dhi")
    )
    return overall, beam, diffuse, extra


def _day_of_year(seconds: NDArray[np.int64]) -> Floats:
    days = seconds.astype("datetime64[s]").astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    passed: Floats = (days - years.astype("datetime64[D]")).astype(np.float64)
    return passed + 1.0


def clear_sky_w_per_m2(time: datetime, latitude: float, longitude: float | None) -> float:
    """Return the global irradiance on the ground under a clear sky at one moment (Haurwitz), 0 by night.

    A quick figure without pvlib.
    Without a ``longitude`` the sun is taken to culminate at noon of the aware ``time``'s zone.
    """
    offset = time.utcoffset() or timedelta(0)
    noon_shift_hours = 0.0 if longitude is None else longitude / 15 - offset.total_seconds() / 3600
    hour = time.hour + time.minute / 60 + time.second / 3600 + noon_shift_hours
    declination = math.radians(-23.44) * math.cos(math.tau * (time.timetuple().tm_yday + 10) / 365.25)
    height = math.sin(math.radians(latitude)) * math.sin(declination) + math.cos(
        math.radians(latitude)
    ) * math.cos(declination) * math.cos(math.radians(15 * (hour - 12)))
    if height <= 0.01:
        return 0.0
    return 1098 * height * math.exp(-0.057 / height)
