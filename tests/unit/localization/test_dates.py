"""Days and times as text."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from chalicelib.domain.policy.languages import LANGUAGES
from chalicelib.localization.dates import short_day, spoken_day, spoken_moment, spoken_month
from chalicelib.localization.plurals import plural
from chalicelib.localization.wording import WORDING

LATE = datetime(2026, 3, 13, 23, 30, tzinfo=UTC)
VIENNA, AUCKLAND = ZoneInfo("Europe/Vienna"), ZoneInfo("Pacific/Auckland")


def test_every_language_has_its_wording() -> None:
    assert WORDING.keys() == set(LANGUAGES)


def test_a_day_is_that_of_the_zone() -> None:
    assert spoken_day(LATE, ZoneInfo("UTC")) == "Friday, 13 March 2026"
    assert spoken_day(LATE, VIENNA) == "Saturday, 14 March 2026"
    assert spoken_day(LATE, VIENNA, "de") == "Samstag, 14. März 2026"


def test_a_day_in_a_table_is_short() -> None:
    assert (short_day(LATE, VIENNA), short_day(LATE, VIENNA, "de")) == (
        "14 Mar 2026",
        "14. März 2026",
    )
    february = datetime(2026, 2, 3, tzinfo=UTC)
    assert short_day(february, VIENNA, "de") == "3. Feb. 2026"


def test_a_moment_names_its_zone() -> None:
    assert spoken_moment(LATE, AUCKLAND) == ("Saturday, 14 March 2026 at 12:30 (Pacific/Auckland)")
    assert spoken_moment(LATE, VIENNA, "de") == (
        "Samstag, 14. März 2026 um 00:30 Uhr (Europe/Vienna)"
    )


def test_a_month_is_named_with_its_year() -> None:
    assert (spoken_month(2026, 3), spoken_month(2026, 3, "de")) == ("March 2026", "März 2026")


def test_a_number_decides_the_form_of_its_noun() -> None:
    counted = {
        language: [
            plural(WORDING[language].days, number, language).format(n=number)
            for number in (0, 1, 2, 21)
        ]
        for language in LANGUAGES
    }
    assert counted == {
        "en": ["0 days", "1 day", "2 days", "21 days"],
        "de": ["0 Tage", "1 Tag", "2 Tage", "21 Tage"],
    }
