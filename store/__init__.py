"""The embedding store: a SQLite catalog, Parquet tables, memory-mapped vectors, FAISS indexes."""
