"""From a query and an index to a checked, cited article."""
