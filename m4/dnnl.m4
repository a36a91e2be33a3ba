# RELIQUARY_DNNL: oneDNN, API v2 (Debian 12) or v3; it ships no .pc file; sets DNNL_LIBS.
AC_DEFUN([RELIQUARY_DNNL],
[AC_CHECK_HEADER([dnnl.h], [], [RELIQUARY_MISSING([oneDNN's header dnnl.h], [libdnnl-dev])])
AC_MSG_CHECKING([for oneDNN's API version])
AC_COMPILE_IFELSE([AC_LANG_PROGRAM([[#include <dnnl.h>
#if DNNL_VERSION_MAJOR != 2 && DNNL_VERSION_MAJOR != 3
#error neither 2 nor 3
#endif]])], [AC_MSG_RESULT([2 or 3])],
  [AC_MSG_RESULT([no]); AC_MSG_ERROR([oneDNN 2.x or 3.x is needed])])
AC_CHECK_LIB([dnnl], [dnnl_engine_create], [AC_SUBST([DNNL_LIBS], [-ldnnl])],
  [RELIQUARY_MISSING([the library libdnnl], [libdnnl-dev])])])
