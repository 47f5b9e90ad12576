// Swift's runtime spells names of types in std::string when it first meets them. What is a template in the header, but compiled
// in libstdc++.so, allocates by operator new there, which nothing of ours stands behind: in a shortage it would throw, and end
// the process. Compiled here, strings draw on the reserve.

#include <string>

template class std::basic_string<char>;
