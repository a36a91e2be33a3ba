# RELIQUARY_MPI: compile and link flags of MPI as its wrapper tells them, so that CC stays the user's
# choice (gcc, clang, a sanitizer build); sets MPI_CFLAGS and MPI_LIBS.
AC_DEFUN([RELIQUARY_MPI],
[AC_MSG_CHECKING([for MPI flags of $MPICC])
AS_IF([MPI_CFLAGS=`$MPICC --showme:compile 2>/dev/null`], [MPI_LIBS=`$MPICC --showme:link`],
      [MPI_CFLAGS=`$MPICC -compile_info 2>/dev/null | cut -d' ' -f2-`
       MPI_LIBS=`$MPICC -link_info 2>/dev/null | cut -d' ' -f2-`])
AC_MSG_RESULT([$MPI_CFLAGS $MPI_LIBS])
save_CFLAGS=$CFLAGS save_LIBS=$LIBS
CFLAGS="$CFLAGS $MPI_CFLAGS" LIBS="$MPI_LIBS $LIBS"
AC_MSG_CHECKING([whether an MPI program links])
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <mpi.h>]], [[return MPI_Init(0, 0);]])],
  [AC_MSG_RESULT([yes])],
  [AC_MSG_RESULT([no]); RELIQUARY_MISSING([a working MPI], [libopenmpi-dev openmpi-bin])])
CFLAGS=$save_CFLAGS LIBS=$save_LIBS
AC_SUBST([MPI_CFLAGS])
AC_SUBST([MPI_LIBS])])
