"""A stand-in for OpenAI's Realtime API that speaks real WebRTC on loopback."""
