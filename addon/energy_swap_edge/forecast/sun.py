"""Where the sun stands and what it gives without clouds, and what panels make of it, by arrays of time.

The models are those pvlib calls ephemeris, Ineichen, Erbs and Hay-Davies, in numpy alone: pvlib brings pandas, and
the two would hold 52 MB of a small computer's memory. The tests compare with figures that pvlib made.
"""

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
_ALBEDO: Final = 0.25  # of the ground
_J2000: Final = 946_728_000  # Unix seconds of the almanac's epoch, 2000-01-01 12:00
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

    Sun by the Astronomical Almanac, irradiance by Ineichen and Perez (2002), on the plane by Hay and Davies.
    """
    total, plane = np.zeros(len(seconds)), np.zeros(len(seconds))
    elevation = azimuth = total
    for minute in _MINUTES:
        zenith, azimuth_then = position(seconds + 60 * minute, latitude, longitude)
        overall, beam, diffuse, extra = irradiance(seconds + 60 * minute, zenith)
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
    plane = np.zeros(len(seconds))
    for minute in _MINUTES:
        moment = seconds + 60 * minute
        zenith, azimuth = position(moment, latitude, longitude)
        overall, _, _, extra = irradiance(moment, zenith)
        overall = overall * np.clip(clearness, 0, 1.25)
        beam, overall, diffuse = parts(overall, zenith, extra)
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
    """Return the irradiance on the panels in W/m²: beam, sky (Hay and Davies) and ground."""
    up, turned = np.radians(zenith), np.radians(azimuth - panels.azimuth)
    tilt = math.radians(panels.tilt)
    towards = np.maximum(np.cos(up) * math.cos(tilt) + np.sin(up) * math.sin(tilt) * np.cos(turned), 0)
    around_sun = beam / extra
    sky = diffuse * (1 - around_sun) * (1 + math.cos(tilt)) / 2
    near_sun = diffuse * around_sun * towards / np.maximum(np.cos(up), 0.01745)
    ground = overall * _ALBEDO * (1 - math.cos(tilt)) / 2
    made: Floats = beam * towards + np.maximum(sky, 0) + np.maximum(near_sun, 0) + ground
    return made


def output_wh(plane_wm2: Floats, air_c: Floats, rated_w: float) -> Floats:
    """Return what panels of ``rated_w`` make in an hour, in Wh: P = P_rated · I / I_STC · η_temp.

    I_STC is 1000 W/m²; η_temp = 1 - 0.004 (T_cell - 25 °C) with T_cell = T_air + 0.03 I, the slope of a NOCT of
    45 °C. The remaining losses (dirt, wiring, inverter, shade) are what is learned from the home.
    """
    cell = np.where(np.isnan(air_c), _AIR_C, air_c) + _CELL_RISE * plane_wm2
    made: Floats = rated_w * plane_wm2 / 1000 * np.clip(1 - _PER_DEGREE * (cell - 25), 0.5, 1.2)
    return made


def position(seconds: NDArray[np.int64], latitude: float, longitude: float) -> tuple[Floats, Floats]:
    """Return apparent zenith and azimuth in degrees, to 0.02° (Michalsky 1988; refraction by Sæmundsson 1986)."""
    days = (seconds - _J2000) / 86_400
    anomaly = np.radians(357.528 + 0.9856003 * days)
    ecliptic = np.radians(280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    tilt = np.radians(23.439 - 4e-7 * days)
    ascension = np.arctan2(np.cos(tilt) * np.sin(ecliptic), np.cos(ecliptic))
    declination = np.arcsin(np.sin(tilt) * np.sin(ecliptic))
    turned = np.radians(280.46062 + 360.98564737 * days + longitude) - ascension  # the hour angle
    here = math.radians(latitude)
    height = np.degrees(
        np.arcsin(
            math.sin(here) * np.sin(declination) + math.cos(here) * np.cos(declination) * np.cos(turned),
        )
    )
    east = -np.cos(declination) * np.sin(turned)
    north = math.cos(here) * np.sin(declination) - math.sin(here) * np.cos(declination) * np.cos(turned)
    seen = np.maximum(height, -0.833)  # the sun has set, and nothing is refracted
    refraction = 0.9782 * 1.02 / 60 / np.tan(np.radians(seen + 10.3 / (seen + 5.11)))
    apparent = np.where(height >= -0.833, height + refraction, height)
    return 90 - apparent, np.degrees(np.arctan2(east, north)) % 360


def irradiance(seconds: NDArray[np.int64], zenith: Floats) -> tuple[Floats, Floats, Floats, Floats]:
    """Return global, beam and diffuse irradiance under a clear sky, and the beam above the atmosphere, in W/m².

    The beam above by Spencer (1971), the air mass by Kasten and Young (1989), the rest by Ineichen and Perez.
    """
    angle = math.tau * (_day_of_year(seconds) - 1) / 365.0
    extra = 1366.1 * (
        1.00011
        + 0.034221 * np.cos(angle)
        + 0.00128 * np.sin(angle)
        + 0.000719 * np.cos(2 * angle)
        + 0.000077 * np.sin(2 * angle)
    )
    up = zenith < 90
    height = np.where(up, 90 - zenith, 1.0)
    sine = np.sin(np.radians(height))
    airmass = 1 / (sine + 0.50572 * (height + 6.07995) ** -1.6364)
    haze = _LINKE_TURBIDITY - 1
    overall = 0.868 * extra * sine * np.exp(-0.0387 * airmass * (1 + haze))
    beam = extra * 0.827 * np.exp(-0.09 * airmass * haze)
    beam = np.minimum(beam, overall * (1 - (0.1 - 0.2 * math.exp(-_LINKE_TURBIDITY)) / 0.982) / sine)
    overall, beam = np.where(up, overall, 0.0), np.where(up, beam, 0.0)
    return overall, beam, overall - beam * np.where(up, sine, 0.0), extra


def parts(overall: Floats, zenith: Floats, extra: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the beam, ``overall`` again, and the diffuse part of a global irradiance, in W/m².

    By Erbs, Klein and Duffie (1982).
    """
    sine = np.cos(np.radians(zenith))
    clear = np.clip(overall / (extra * np.maximum(sine, 0.065)), 0, 1)
    cloudy = 0.9511 - 0.1604 * clear + 4.388 * clear**2 - 16.638 * clear**3 + 12.336 * clear**4
    share = np.where(clear <= 0.22, 1 - 0.09 * clear, np.where(clear <= 0.8, cloudy, 0.165))
    high = (zenith <= 87) & (overall > 0)
    beam = np.where(high, overall * (1 - share) / np.where(high, sine, 1.0), 0.0)
    return beam, overall, np.where(high, overall * share, overall)


def _day_of_year(seconds: NDArray[np.int64]) -> Floats:
    days = seconds.astype("datetime64[s]").astype("datetime64[D]")
    years = days.astype("datetime64[Y]")
    passed: Floats = (days - years.astype("datetime64[D]")).astype(np.float64)
    return passed + 1.0


def clear_sky_w_per_m2(time: datetime, latitude: float, longitude: float | None) -> float:
    """Return the global irradiance on the ground under a clear sky at one moment (Haurwitz), 0 by night.

    A quick figure for one moment.
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
