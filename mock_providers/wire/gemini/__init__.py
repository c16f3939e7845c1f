"""Gemini's protocol: generateContent, streamGenerateContent, countTokens. Read `codec.py` first."""
