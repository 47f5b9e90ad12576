// Swift's runtime spells names of types in std::string when it first meets them. libstdc++.so contains that class compiled, and
// the operator new which it calls there cannot be wrapped: without memory it would throw, and end the process. When the template is
// compiled here, strings draw on the reserve.

#include <string>

template class std::basic_string<char>;
