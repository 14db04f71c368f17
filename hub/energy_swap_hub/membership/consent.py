"""What a household agrees to about its personal data (Kenya's Data Protection Act, 2019), in both languages.

A text that somebody has agreed to is never changed: a new one gets a new version.
"""

from typing import Final

VERSION: Final = "2026-11"
TEXTS: Final = {
    "en": (
        "I agree that my community keeps my name, my phone number, a hash of my identity document's "
        "number, where my house is connected, my meter's readings, my orders and my payments, to run the "
        "energy market, to pay me and to bill me. My readings and trades are shown to others without my "
        "name. What proves that energy was made is public on a blockchain under a number, and cannot be "
        "erased there. I may see, correct and take away my data, and leave at any time; then my name and "
        "phone are erased when the law no longer asks for records. I may complain to the Office of the "
        "Data Protection Commissioner."
    ),
    "sw": (
        "Ninakubali kwamba jumuiya yangu itunze jina langu, nambari yangu ya simu, alama ya siri ya "
        "nambari ya kitambulisho changu, mahali nyumba yangu imeunganishwa, vipimo vya mita yangu, "
        "maagizo na malipo yangu, ili kuendesha soko la umeme, kunilipa na kunitoza. Vipimo na biashara "
        "zangu huonyeshwa wengine bila jina langu. Uthibitisho kwamba umeme ulizalishwa uko wazi kwenye "
        "blockchain kwa nambari, na hauwezi kufutwa huko. Ninaweza kuona, kusahihisha na kuchukua data "
        "yangu, na kuondoka wakati wowote; kisha jina na simu yangu hufutwa sheria isipohitaji kumbukumbu"
        " tena. Ninaweza kulalamika kwa Ofisi ya Kamishna wa Ulinzi wa Data."
    ),
}
