target_sources(stapes-firmware PRIVATE mps3_an547/board.cc)
include(cortex_m/image.cmake)
