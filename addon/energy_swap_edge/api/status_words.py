"""The words of the status page, English and Swahili."""

from typing import Final

LANGUAGES: Final = {"en": "English", "sw": "Kiswahili"}

WORDS: Final[dict[str, dict[str, str]]] = {
    "en": {
        "title": "Household edge",
        "all_well": "Everything works.",
        "not_well": "Something needs you:",
        "since": "since {when}",
        "meter": "Meter",
        "meter_live": "The meter is heard. Its last reading is of {when}.",
        "meter_silent": "The meter is not heard. Look at its power and its WiFi.",
        "meter_unknown": "No reading yet. The meter sends one each minute.",
        "broker": "MQTT broker",
        "broker_up": "The broker delivers the meter's messages.",
        "broker_down": "The broker cannot be reached. Readings wait in it or in the meter.",
        "hub": "Community hub",
        "hub_connected": "The hub answers and has all readings.",
        "hub_connected_queue": "The hub answers. {queue} readings are on their way.",
        "hub_unreachable": "The hub cannot be reached. {queue} readings wait here and none is lost.",
        "hub_refused": "The hub refuses this household. {queue} readings wait here. Ask the community's office.",
        "membership": "Membership",
        "membership_admitted": "This household is a member.",
        "membership_applied": "The household has applied. The community's approvers must admit it.",
        "membership_suspended": "The community has suspended this household. Ask its office.",
        "membership_leaving": "This household is leaving the community. It trades no more; its money is paid out.",
        "membership_left": "This household has left the community.",
        "membership_unknown": "The hub does not know this household yet; it applies by itself with a reading.",
        "forecast": "Forecast",
        "forecast_live": "Made {when} from your own past and a live weather forecast.",
        "forecast_cached": "Made {when} from your own past and an older weather forecast.",
        "forecast_history": "Made {when} from your own past, without weather.",
        "forecast_none": "No forecast yet. It needs the place of the house, or three days of readings.",
        "trader": "Trading by itself",
        "trader_on": "On, by the strategy {strategy}.",
        "trader_off": "Off. Only your own limits count.",
        "money": "Today",
        "money_today": "Earned {earned}, saved {saved} against the utility.",
        "pairing": "Pair a Home Assistant",
        "pairing_code": "Code {code}, good for one. {clients} paired so far.",
        "alert_meter_silent": "The meter has been silent for a quarter of an hour or more.",
        "alert_clock_off": "Clocks do not agree: set the time of this machine and of the meter by the network.",
        "alert_hub_away": "The hub has been away for more than a day.",
        "alert_storage": "The disk is full or broken: make room.",
        "alert_failed_string": "The panels make far less than before: a string may have failed.",
        "alert_soiling": "The panels make less than before: they may be dirty.",
        "alert_shading": "Something new throws a shadow on the panels.",
    },
    "sw": {
        "title": "Kituo cha nyumba",
        "all_well": "Kila kitu kinafanya kazi.",
        "not_well": "Kuna jambo linalokuhitaji:",
        "since": "tangu {when}",
        "meter": "Mita",
        "meter_live": "Mita inasikika. Usomaji wake wa mwisho ni wa {when}.",
        "meter_silent": "Mita haisikiki. Angalia umeme wake na WiFi yake.",
        "meter_unknown": "Bado hakuna usomaji. Mita hutuma mmoja kila dakika.",
        "broker": "Wakala wa MQTT",
        "broker_up": "Wakala anafikisha ujumbe wa mita.",
        "broker_down": "Wakala hapatikani. Usomaji unasubiri kwake au kwenye mita.",
        "hub": "Kitovu cha jamii",
        "hub_connected": "Kitovu kinajibu na kina usomaji wote.",
        "hub_connected_queue": "Kitovu kinajibu. Usomaji {queue} uko njiani.",
        "hub_unreachable": "Kitovu hakipatikani. Usomaji {queue} unasubiri hapa na hakuna unaopotea.",
        "hub_refused": "Kitovu kinaikataa nyumba hii. Usomaji {queue} unasubiri hapa. Uliza ofisi ya jamii.",
        "membership": "Uanachama",
        "membership_admitted": "Nyumba hii ni mwanachama.",
        "membership_applied": "Nyumba imeomba. Waidhinishaji wa jamii lazima waikubali.",
        "membership_suspended": "Jamii imeisimamisha nyumba hii. Uliza ofisi yake.",
        "membership_leaving": "Nyumba hii inaondoka katika jamii. Haifanyi biashara tena; inachodai italipwa.",
        "membership_left": "Nyumba hii imeondoka katika jamii.",
        "membership_unknown": "Kitovu hakijaijua nyumba hii bado. Itaomba yenyewe kwa usomaji wa kwanza.",
        "forecast": "Utabiri",
        "forecast_live": "Umefanywa {when} kutoka siku zako zilizopita na utabiri wa hali ya hewa wa sasa.",
        "forecast_cached": "Umefanywa {when} kutoka siku zako zilizopita na utabiri wa hewa wa zamani kidogo.",
        "forecast_history": "Umefanywa {when} kutoka siku zako zilizopita, bila hali ya hewa.",
        "forecast_none": "Bado hakuna utabiri. Unahitaji mahali pa nyumba, au siku tatu za usomaji.",
        "trader": "Kuuza na kununua kwenyewe",
        "trader_on": "Imewashwa, kwa mkakati {strategy}.",
        "trader_off": "Imezimwa. Ni mipaka yako tu inayotumika.",
        "money": "Leo",
        "money_today": "Umepata {earned}, umeokoa {saved} kulinganisha na shirika la umeme.",
        "pairing": "Unganisha Home Assistant",
        "pairing_code": "Namba {code}, ya matumizi moja. Zilizounganishwa: {clients}.",
        "alert_meter_silent": "Mita imekuwa kimya kwa robo saa au zaidi.",
        "alert_clock_off": "Saa hazikubaliani: weka muda wa mashine hii na wa mita kwa mtandao.",
        "alert_hub_away": "Kitovu hakijapatikana kwa zaidi ya siku moja.",
        "alert_storage": "Diski imejaa au imeharibika: fanya nafasi.",
        "alert_failed_string": "Paneli zinazalisha kidogo sana kuliko awali: huenda mstari mmoja umeharibika.",
        "alert_soiling": "Paneli zinazalisha kidogo kuliko awali: huenda ni chafu.",
        "alert_shading": "Kitu kipya kinatia kivuli kwenye paneli.",
    },
}


def chosen_language(asked: str | None, accepted: str) -> str:
    """Return the language that was asked for, else the first known one that the browser accepts, else English."""
    if asked in LANGUAGES:
        return asked
    for part in accepted.split(","):
        language = part.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return "en"
