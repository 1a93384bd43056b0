"""A model as a web page: the site, and a server for it."""
