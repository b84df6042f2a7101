"""The `chat` writer: any OpenAI-compatible endpoint (vLLM, Ollama, llama.cpp, `transformers serve`, a hosted model)."""
