"""The tables of state.sqlite, as numbered migrations: m001, m002, ... each applied once.

A new version of Workbench appends a migration; those published never change. ``PRAGMA
user_version`` is the number of the last one applied.
"""

from __future__ import annotations

__all__ = ["APPLICATION_ID", "MIGRATIONS", "VERSION"]

APPLICATION_ID = 0x57424348
"""``WBCH`` in the file header: this SQLite file is a workspace."""

M001 = """
create table files (
    path text primary key,          -- relative to the workspace, forward slashes
    kind text not null,
    bytes integer not null,
    digest text not null,           -- BLAKE2b-128 of the content
    dataset text,                   -- whose deletion makes it an orphan, or null
    created real not null
) strict;

create table datasets (
    id integer primary key autoincrement,   -- never used again after a deletion
    name text not null unique,
    items integer not null default 0,
    captions integer not null default 0,
    parts integer not null default 0,       -- parts ever published: the version of the tables
    skipped integer not null default 0,
    created real not null,
    importer text not null,
    source text not null,
    info text not null                      -- JSON
) strict;

-- Each part file holds the rows start..stop-1. Merging replaces several by one of equal content.
create table parts (
    dataset integer not null references datasets (id) on delete cascade,
    side text not null check (side in ('image', 'caption')),
    start integer not null,
    stop integer not null check (stop > start),
    file text not null references files (path),
    primary key (dataset, side, start)
) strict, without rowid;

-- Which metadata columns hold lists: Parquet parts that disagree on that cannot be read together.
create table list_columns (
    dataset integer not null references datasets (id) on delete cascade,
    name text not null collate nocase,
    lists integer not null,
    primary key (dataset, name)
) strict, without rowid;

-- Which item ids exist: makes an import idempotent, and finds the row of an id at once. Not
-- cascading: millions of rows are removed in small steps after their dataset is gone.
create table items (
    dataset integer not null,
    item text not null,
    row integer not null,
    primary key (dataset, item)
) strict, without rowid;

create table skipped (
    dataset integer not null references datasets (id) on delete cascade,
    item text not null,
    reason text not null,
    primary key (dataset, item)
) strict, without rowid;

create table models (
    key text primary key,
    name text not null unique,
    info text not null,             -- JSON of every field of ModelInfo
    created real not null
) strict;

create table vectors (
    dataset text not null references datasets (name) on delete cascade,
    model text not null,
    side text not null check (side in ('image', 'caption')),
    start integer not null,
    stop integer not null check (stop > start),
    dim integer not null,
    dtype text not null,
    file text not null references files (path),
    primary key (dataset, model, side, start)
) strict, without rowid;

create table indexes (
    dataset text not null references datasets (name) on delete cascade,
    model text not null,
    side text not null check (side in ('image', 'caption')),
    kind text not null,
    reason text not null,
    rows integer not null,
    dim integer not null,
    exact integer not null,
    file text references files (path),      -- null: answered from the vectors themselves
    created real not null,
    primary key (dataset, model, side)
) strict, without rowid;

create table runs (
    key text primary key,           -- hash of kind and parameters
    kind text not null,
    params text not null,           -- JSON
    result text not null,           -- JSON
    dataset text references datasets (name) on delete cascade,
    created real not null
) strict;

create table run_tables (
    run text not null references runs (key) on delete cascade,
    name text not null,
    file text not null references files (path),
    primary key (run, name)
) strict, without rowid;

create table jobs (
    id integer primary key autoincrement,
    kind text not null,
    title text not null,
    params text not null,           -- JSON with sorted keys: equal questions are equal texts
    state text not null,
    priority integer not null,
    done integer not null default 0,
    total integer not null default 0,
    unit text not null,
    rate real not null default 0,
    device text not null default '',
    message text not null default '',
    error text not null default '',
    result text not null default '{}',
    cancel_requested integer not null default 0,
    attempts integer not null default 0,
    losses integer not null default 0,      -- times in a row a worker died without progress
    claimed_done integer not null default 0, -- progress when it was last claimed
    created real not null,
    started real,
    finished real,
    heartbeat real,
    worker text not null default ''
) strict;

create index jobs_by_state on jobs (state, priority desc, id);

create table job_after (
    job integer not null references jobs (id) on delete cascade,
    after integer not null references jobs (id) on delete cascade,
    primary key (job, after)
) strict, without rowid;

create table workers (
    id text primary key,
    info text not null,             -- JSON of every field of WorkerInfo
    heartbeat real not null
) strict;

create table notes (
    dataset text not null,
    item text not null,
    text text not null,
    changed real not null,
    primary key (dataset, item)
) strict, without rowid;

create table tags (
    dataset text not null,
    tag text not null,
    item text not null,
    created real not null,
    primary key (dataset, tag, item)
) strict, without rowid;

create index tags_by_item on tags (dataset, item);

create table settings (key text primary key, value text not null) strict, without rowid;

create table counters (name text primary key, value integer not null) strict, without rowid;
insert into counters values ('jobs', 0);

create trigger jobs_inserted after insert on jobs begin
    update counters set value = value + 1 where name = 'jobs';
end;
create trigger jobs_updated after update on jobs begin
    update counters set value = value + 1 where name = 'jobs';
end;
create trigger jobs_deleted after delete on jobs begin
    update counters set value = value + 1 where name = 'jobs';
end;
"""

M002 = """
-- Class sets and prompt sets, by what is in them.
create table sets (
    key text not null,
    kind text not null check (kind in ('classes', 'prompts')),
    name text not null,
    content text not null,          -- JSON
    created real not null,
    primary key (kind, key)
) strict, without rowid;

-- What a person found a mistake to be.
create table verdicts (
    dataset text not null,
    item text not null,
    category text not null,
    note text not null,
    changed real not null,
    primary key (dataset, item)
) strict, without rowid;
"""

M003 = """
-- Collections of captions in files, to be counted; datasets' own captions need no entry.
create table corpora (
    name text primary key,
    content text not null,          -- JSON
    created real not null
) strict, without rowid;
"""

MIGRATIONS: tuple[str, ...] = (M001, M002, M003)

VERSION = len(MIGRATIONS)
"""The newest schema this code knows."""
