"""The sample world: paths of what is committed here, and nothing heavy to import."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent


def test_shards() -> list[Path]:
    """WebDataset shards of the `test` set, in order; empty where they were not checked out."""
    return sorted((ROOT / "test").glob("test-*.tar"))


def scenes_shards() -> list[Path]:
    """WebDataset shards of the `scenes` set, in order; empty where they were not checked out."""
    return sorted((ROOT / "scenes").glob("scenes-*.tar"))


def concepts_file() -> Path:
    """JSON list with one object a concept: names, synonyms, taxonomy, count, planted truths."""
    return ROOT / "concepts.json"


def pretrain_captions() -> Path:
    """Parquet table with one row for each pretraining image: caption, concepts, background."""
    return ROOT / "pretrain" / "captions.parquet"


def pretrain_counts() -> Path:
    """CSV of how many pretraining images show each concept, most frequent first."""
    return ROOT / "pretrain" / "counts.csv"


def faults_file() -> Path:
    """CSV truth table of the faults planted in `test`: item, kind, given, true, original."""
    return ROOT / "test" / "faults.csv"


def models_dir() -> Path:
    """Folder of the small trained models."""
    return ROOT / "models"
