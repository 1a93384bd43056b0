target_sources(stapes-firmware PRIVATE host/main.cc host/board.cc host/wav.cc)
