"""Code that runs inside a Locust process: the user class and the event hooks."""
