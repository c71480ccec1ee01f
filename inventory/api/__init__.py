"""REST: stock levels, what DSCO is told of them, and synchronising by hand."""
