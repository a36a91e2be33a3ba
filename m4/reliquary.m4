# RELIQUARY_MISSING(WHAT, PACKAGES): stop, naming what to install.
AC_DEFUN([RELIQUARY_MISSING],
[AC_MSG_ERROR([$1 was not found.
    On Debian or Ubuntu:  apt-get install $2
    All that is missing:  $srcdir/jobs/install.sh build])])

# RELIQUARY_PKG(NAME, MODULE, PACKAGE): a library that pkg-config knows; sets NAME_CFLAGS and NAME_LIBS.
AC_DEFUN([RELIQUARY_PKG],
[PKG_CHECK_MODULES([$1], [$2], [], [RELIQUARY_MISSING([the library $2 (asked of pkg-config)], [$3])])])

# RELIQUARY_LIB(NAME, HEADER, LIBRARY, FUNCTION, PACKAGE): a library without a .pc file; sets NAME_LIBS.
AC_DEFUN([RELIQUARY_LIB],
[AC_CHECK_HEADER([$2], [], [RELIQUARY_MISSING([the header $2], [$5])])
AC_CHECK_LIB([$3], [$4], [AC_SUBST([$1_LIBS], [-l$3])], [RELIQUARY_MISSING([the library lib$3], [$5])])])

# RELIQUARY_WARNINGS: the warnings that we keep at zero, for both gcc and clang; sets WARN_CFLAGS, WARN_CXXFLAGS.
AC_DEFUN([RELIQUARY_WARNINGS],
[WARN_CFLAGS=
for flag in -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wformat=2 -Wvla; do
  AC_MSG_CHECKING([whether $CC takes $flag])
  save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $flag"
  AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
    [AC_MSG_RESULT([yes]); WARN_CFLAGS="$WARN_CFLAGS $flag"], [AC_MSG_RESULT([no])])
  CFLAGS=$save_CFLAGS
done
AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make compiler warnings errors])])
WARN_CXXFLAGS="-Wall -Wextra"
AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror" WARN_CXXFLAGS="$WARN_CXXFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])
AC_SUBST([WARN_CXXFLAGS])])

# RELIQUARY_SANITIZERS: --enable-sanitizers; sets SANITIZE_CFLAGS, for compiling and linking.
AC_DEFUN([RELIQUARY_SANITIZERS],
[AC_ARG_ENABLE([sanitizers],
  [AS_HELP_STRING([--enable-sanitizers], [build with AddressSanitizer and UndefinedBehaviorSanitizer])])
SANITIZE_CFLAGS=
AS_IF([test "x$enable_sanitizers" = xyes],
  [SANITIZE_CFLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
   save_CFLAGS=$CFLAGS
   CFLAGS="$CFLAGS $SANITIZE_CFLAGS"
   AC_MSG_CHECKING([whether a program with sanitizers links])
   AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AC_MSG_RESULT([yes])],
     [AC_MSG_RESULT([no]); AC_MSG_ERROR([$CC has no AddressSanitizer or UndefinedBehaviorSanitizer here])])
   CFLAGS=$save_CFLAGS])
AC_SUBST([SANITIZE_CFLAGS])])

# RELIQUARY_CHECKS: what 'make check' runs.  Unit tests need cmocka; the program does not, so its absence only turns
# them off.
AC_DEFUN([RELIQUARY_CHECKS],
[AC_ARG_ENABLE([checks],
  [AS_HELP_STRING([--enable-checks=all|unit], [what 'make check' runs: unit tests and scripts (default), or unit tests only])],
  [], [enable_checks=all])
AS_CASE([$enable_checks], [all|unit], [], [AC_MSG_ERROR([--enable-checks takes 'all' or 'unit', not '$enable_checks'])])
PKG_CHECK_MODULES([CMOCKA], [cmocka], [have_cmocka=yes],
  [have_cmocka=no
   AC_MSG_WARN([cmocka was not found: 'make check' will run no unit test (apt-get install libcmocka-dev)])])
AM_CONDITIONAL([HAVE_CMOCKA], [test "x$have_cmocka" = xyes])
AM_CONDITIONAL([CHECK_SCRIPTS], [test "x$enable_checks" = xall])])
