// Where start-up code leads.
#include "boards/board.h"

int main() {
  stapes::board::Init();
  stapes::board::Exit(stapes::RunFirmware());
}
