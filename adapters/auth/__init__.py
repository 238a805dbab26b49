"""Who is calling: an authenticator per kind of credential, and one that picks the right one by shape."""
