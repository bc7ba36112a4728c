//! A real model on a real server: SmolLM2 on llama.cpp, through all three protocols.
