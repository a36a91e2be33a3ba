# RELIQUARY_MISSING(WHAT, PACKAGES): stop, naming what to install.
AC_DEFUN([RELIQUARY_MISSING],
[AC_MSG_ERROR([$1 was not found.
    On Debian or Ubuntu:  apt-get install $2
    All packages:         grep -v '^@%:@' jobs/packages.txt])])

# RELIQUARY_PKG(NAME, MODULE, PACKAGE): a library that pkg-config knows; sets NAME_CFLAGS and NAME_LIBS.
AC_DEFUN([RELIQUARY_PKG],
[PKG_CHECK_MODULES([$1], [$2], [], [RELIQUARY_MISSING([the library $2 (asked of pkg-config)], [$3])])])

# RELIQUARY_LIB(NAME, HEADER, LIBRARY, FUNCTION, PACKAGE): a library without a .pc file; sets NAME_LIBS.
AC_DEFUN([RELIQUARY_LIB],
[AC_CHECK_HEADER([$2], [], [RELIQUARY_MISSING([the header $2], [$5])])
AC_CHECK_LIB([$3], [$4], [AC_SUBST([$1_LIBS], [-l$3])], [RELIQUARY_MISSING([the library lib$3], [$5])])])

# RELIQUARY_WARNINGS: the warnings that we keep at zero, for both gcc and clang; sets WARN_CFLAGS.
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
AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
AC_SUBST([WARN_CFLAGS])])

# RELIQUARY_CMOCKA: tests need cmocka; the program does not, so its absence only turns 'make check' off.
AC_DEFUN([RELIQUARY_CMOCKA],
[PKG_CHECK_MODULES([CMOCKA], [cmocka], [have_cmocka=yes],
  [have_cmocka=no
   AC_MSG_WARN([cmocka was not found: 'make check' will run no unit test (apt-get install libcmocka-dev)])])
AM_CONDITIONAL([HAVE_CMOCKA], [test "x$have_cmocka" = xyes])])
