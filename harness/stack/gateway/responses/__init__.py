"""OpenAI's Responses API in front of a stack: requests become chat completions, answers become responses."""
