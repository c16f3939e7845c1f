"""OpenAI's Responses API. Read `codec.py` first.

Authority for every shape: the types of the openai SDK 3.57 (`openai.types.responses`), and for the order of
events developers.openai.com/api/reference/resources/responses/streaming-events.
"""
