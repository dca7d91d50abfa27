
/*
 * base64url without padding (RFC 4648, section 5; RFC 7515, appendix C).
 * Pure functions: any thread.
 */

#ifndef _RT_BASE64URL_H_INCLUDED_
#define _RT_BASE64URL_H_INCLUDED_


#include <stddef.h>


/* bytes that len characters decode to, at most */
#define rt_base64url_size(len)  ((len) / 4 * 3 + 2)


/*
 * Decodes the one canonical form only: no padding, no blanks, no other
 * alphabet, and the bits that are left over are zero; otherwise two texts
 * would mean one value.  Writes rt_base64url_size(len) bytes at most to dst,
 * which may be src itself.  Returns the bytes written, -1 for anything else
 * than canonical base64url.
 */
long rt_base64url_decode(unsigned char *dst, const char *src, size_t len);


#endif /* _RT_BASE64URL_H_INCLUDED_ */
