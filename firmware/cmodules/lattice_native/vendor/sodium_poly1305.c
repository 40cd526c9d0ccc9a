// Poly1305.
#include "sodium.h"
#include "crypto_onetimeauth/poly1305/donna/poly1305_donna.c"
#include "crypto_onetimeauth/poly1305/onetimeauth_poly1305.c"
