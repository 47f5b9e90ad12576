// The platform's C library, for this module and for all that import it. No other file says which one it is.
@_exported import Glibc
