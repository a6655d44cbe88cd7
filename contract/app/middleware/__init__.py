"""ASGI and WSGI middleware that write down what an application answers, as `exchange/v1` lines."""
