target_sources(stapes-firmware PRIVATE mps2_an386/board.cc)
include(cortex_m/image.cmake)
