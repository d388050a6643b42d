"""Where the sources of the sample world lie: a font and three unpacked npm packages."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NOTO_FONT = Path("/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf")
# fmt: off
LANGUAGES = (
    "en", "de", "es", "fr", "it", "pt", "nl", "pl", "ru", "uk", "sv", "nb", "da", "fi", "hu",
    "et", "lt", "bn", "hi", "th", "vi", "ms", "ja", "ko", "zh", "zh-hant",
)
# fmt: on


class MissingSourceError(Exception):
    """A source that is needed to rebuild the sample world is not where it was said to be."""


@dataclass(frozen=True)
class Sources:
    """Paths of the sources; the packages are folders unpacked from their npm archives."""

    noto: Path
    twemoji: Path
    openmoji: Path
    emojibase: Path

    def missing(self) -> list[str]:
        """Each source that cannot be found, with what to do, one line each."""
        wanted = {
            "Noto Color Emoji (Debian's fonts-noto-color-emoji, --noto)": self.noto,
            "npm's @twemoji/svg, unpacked (--twemoji)": self.twemoji / "1f34e.svg",
            "npm's openmoji, unpacked (--openmoji)": self.openmoji / "color/svg/1F34E.svg",
            "npm's emojibase-data, unpacked (--emojibase)": self.emojibase / "en/data.json",
        }
        return [f"{name}: no file {path}" for name, path in wanted.items() if not path.is_file()]

    def require(self) -> None:
        """Raise MissingSourceError unless every source is there."""
        lines = self.missing()
        if lines:
            raise MissingSourceError("sources to rebuild are missing:\n" + "\n".join(lines))

    def version(self, package: Path) -> str:
        """The version that an unpacked npm package says it has."""
        return str(json.loads((package / "package.json").read_text())["version"])

    def emoji(self, language: str) -> list[dict[str, Any]]:
        """Emoji of emojibase in one language, each a dict with label, hexcode, tags, group."""
        loaded: list[dict[str, Any]] = json.loads(
            (self.emojibase / language / "data.json").read_text(encoding="utf-8")
        )
        return loaded

    def shortcodes(self) -> dict[str, list[str]]:
        """English shortcodes of each hexcode as words, from three of emojibase's lists."""
        words: dict[str, list[str]] = {}
        for name in ("emojibase", "github", "joypixels"):
            path = self.emojibase / "en" / "shortcodes" / f"{name}.json"
            for hexcode, codes in json.loads(path.read_text(encoding="utf-8")).items():
                listed = codes if isinstance(codes, list) else [codes]
                words.setdefault(hexcode, []).extend(code.replace("_", " ") for code in listed)
        return words

    def svg(self, style: str, hexcode: str) -> Path | None:
        """The drawing of one emoji in an SVG style, None where the style has none."""
        bare = hexcode.replace("-FE0F", "")
        if style == "twemoji":
            tries = [self.twemoji / f"{name.lower()}.svg" for name in (hexcode, bare)]
        else:
            folder = self.openmoji / ("color" if style == "openmoji" else "black") / "svg"
            tries = [folder / f"{name}.svg" for name in (hexcode, bare)]
        return next((path for path in tries if path.is_file()), None)


def taxonomy(emojibase: Path) -> tuple[dict[int, str], dict[int, str]]:
    """Names of emojibase's groups and subgroups by number."""
    meta = json.loads((emojibase / "meta" / "groups.json").read_text())
    groups = {int(key): str(name) for key, name in meta["groups"].items()}
    return groups, {int(key): str(name) for key, name in meta["subgroups"].items()}
