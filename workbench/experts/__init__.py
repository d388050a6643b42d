"""What the routers of a mixture of experts decided: records of tokens -> statistics, numpy only."""
