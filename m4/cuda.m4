# RELIQUARY_CUDA: the CUDA back end.  It needs nvcc, the CUDA runtime and cuBLAS of CUDA 12 or later, cuDNN 9 or later and
# NCCL 2.14 or later.
#   --with-cuda[=DIR]  build it; stop where something is missing
#   --without-cuda     do not
#   neither            build it where all is there
# DIR is where bin/nvcc lies.  cuDNN and NCCL may lie elsewhere: the user's CPPFLAGS and LDFLAGS count.  All is learnt by
# compiling and linking, nothing by running: the host that builds needs no GPU.
# Sets NVCC, NVCCFLAGS, NVCC_GENCODE, NVCC_CCBIN, CUDA_CFLAGS, CUDA_LIBS, have_cuda, cuda_missing; defines HAVE_CUDA.
AC_DEFUN([RELIQUARY_CUDA],
[AC_ARG_WITH([cuda],
  [AS_HELP_STRING([--with-cuda@<:@=DIR@:>@], [build the CUDA back end (default: where CUDA, cuDNN and NCCL are there)])],
  [], [with_cuda=guess])
AC_ARG_VAR([NVCC], [CUDA compiler])
AC_ARG_VAR([NVCCFLAGS], [flags of the CUDA compiler (default: -O3 -g -lineinfo)])
AC_ARG_VAR([NVCC_GENCODE], [GPU architectures to compile for (default: sm_80, sm_90, and PTX for later ones)])
cuda_missing= cuda_hints=
AS_CASE([$with_cuda],
  [no], [cuda_missing="not wanted (--without-cuda)"],
  [RELIQUARY_CUDA_TOOLS
   RELIQUARY_CUDA_LIBS])
AS_IF([test "x$cuda_missing" = x], [have_cuda=yes], [have_cuda=no])
AS_CASE([$with_cuda/$have_cuda],
  [no/*|guess/*|*/yes], [],
  [AC_MSG_ERROR([the CUDA back end was asked for, but this is missing:$cuda_hints
    config.log has the compilers' messages.])])
AS_IF([test $have_cuda = yes],
  [AC_DEFINE([HAVE_CUDA], [1], [Define to 1 to build the CUDA back end.])],
  [CUDA_CFLAGS= CUDA_LIBS=])
AC_SUBST([cuda_missing])
AC_SUBST([CUDA_CFLAGS])
AC_SUBST([CUDA_LIBS])
AC_SUBST([NVCC_CCBIN])
AC_SUBST([NVCC_WERROR])
AM_CONDITIONAL([HAVE_CUDA], [test $have_cuda = yes])])

# RELIQUARY_CUDA_MISSES(WHAT, HOW TO GET IT)
AC_DEFUN([RELIQUARY_CUDA_MISSES],
[cuda_missing="$cuda_missing${cuda_missing:+, }$1"
cuda_hints="$cuda_hints
    $1: $2"])

# nvcc, and the folder of CUDA by it.
AC_DEFUN([RELIQUARY_CUDA_TOOLS],
[AS_CASE([$with_cuda],
  [yes|guess], [AC_PATH_PROG([NVCC], [nvcc], [], [$PATH$PATH_SEPARATOR/usr/local/cuda/bin])],
  [AC_PATH_PROG([NVCC], [nvcc], [], [$with_cuda/bin])])
: ${NVCCFLAGS="-O3 -g -lineinfo"}
: ${NVCC_GENCODE="-gencode arch=compute_80,code=sm_80 -gencode arch=compute_90,code=@<:@sm_90,compute_90@:>@"}
# nvcc's own choice is gcc of the PATH; a CXX of several words (ccache g++) is nothing it can start.
AS_CASE([$CXX], [""|*" "*], [NVCC_CCBIN=], [NVCC_CCBIN="-ccbin $CXX"])
AS_IF([test "x$enable_werror" = xyes], [NVCC_WERROR="-Werror all-warnings"])
AS_IF([test "x$NVCC" = x],
  [RELIQUARY_CUDA_MISSES([nvcc], [https://developer.nvidia.com/cuda-downloads; if it is there: --with-cuda=DIR or NVCC=...])],
  [AC_MSG_CHECKING([whether nvcc of CUDA 12 or later compiles a kernel])
   AS_ECHO(["#include <cuda_runtime.h>
#if CUDART_VERSION < 12000
#error older than CUDA 12
#endif
__global__ void zero(float *p) { *p = 0; }"]) > conftest.cu
   AS_IF([$NVCC $NVCC_CCBIN $NVCC_GENCODE $NVCCFLAGS -c conftest.cu -o conftest.o >&AS_MESSAGE_LOG_FD 2>&1],
     [AC_MSG_RESULT([yes])],
     [AC_MSG_RESULT([no])
      RELIQUARY_CUDA_MISSES([a working nvcc of CUDA 12 or later],
        [$NVCC compiles no kernel: too old, or a C++ compiler that it does not take (apt-get install g++)])])
   rm -f conftest.cu conftest.o])])

# The libraries, by their headers' versions and by a link.
AC_DEFUN([RELIQUARY_CUDA_LIBS],
[AS_CASE([$with_cuda],
  [yes|guess], [cuda_dir=`AS_DIRNAME(["${NVCC:-/usr/local/cuda/bin/nvcc}"])` cuda_dir=`AS_DIRNAME(["$cuda_dir"])`],
  [cuda_dir=$with_cuda])
# The system's own folders are searched without being named, and in their right order.
CUDA_CFLAGS= CUDA_LIBS=
AS_CASE([$cuda_dir], [""|/usr|/usr/], [],
  [CUDA_CFLAGS="-isystem $cuda_dir/include"
   for folder in lib64 lib; do
     AS_IF([test -d "$cuda_dir/$folder"], [CUDA_LIBS="-L$cuda_dir/$folder -Wl,-rpath,$cuda_dir/$folder"; break])
   done])
save_CPPFLAGS=$CPPFLAGS save_LIBS=$LIBS
CPPFLAGS="$CPPFLAGS $CUDA_CFLAGS"
RELIQUARY_CUDA_LIB([the runtime of CUDA 12 or later], [cuda_runtime_api.h], [CUDART_VERSION >= 12000],
  [cudart], [cudaDeviceSynchronize()], [https://developer.nvidia.com/cuda-downloads])
RELIQUARY_CUDA_LIB([cuBLAS of CUDA 12 or later], [cublas_v2.h], [CUBLAS_VER_MAJOR >= 12],
  [cublas], [cublasDestroy(0)], [https://developer.nvidia.com/cuda-downloads])
RELIQUARY_CUDA_LIB([cuDNN 9 or later], [cudnn.h], [CUDNN_MAJOR >= 9],
  [cudnn], [cudnnDestroy(0)], [https://developer.nvidia.com/cudnn-downloads])
RELIQUARY_CUDA_LIB([NCCL 2.14 or later], [nccl.h], [NCCL_VERSION_CODE >= NCCL_VERSION(2, 14, 0)],
  [nccl], [ncclCommDestroy(0)], [https://developer.nvidia.com/nccl/nccl-download])
CPPFLAGS=$save_CPPFLAGS LIBS=$save_LIBS])

# RELIQUARY_CUDA_LIB(WHAT, HEADER, CONDITION, LIBRARY, CALL, WHERE FROM)
AC_DEFUN([RELIQUARY_CUDA_LIB],
[AC_MSG_CHECKING([for $1])
LIBS="$CUDA_LIBS -l$4 $save_LIBS"
AC_LINK_IFELSE([AC_LANG_PROGRAM([[#include <$2>
#if !($3)
#error too old
#endif]], [[return (int)$5;]])],
  [AC_MSG_RESULT([yes])
   CUDA_LIBS="$CUDA_LIBS -l$4"],
  [AC_MSG_RESULT([no])
   RELIQUARY_CUDA_MISSES([$1], [$2 and lib$4 are from $6
        if they lie elsewhere: CPPFLAGS=-I... LDFLAGS='-L... -Wl,-rpath,...'])])])

# RELIQUARY_DOUBLES: what the tests of the CUDA back end without a GPU need beside CUDA's headers: a C++ compiler, which runs
# the kernels on the host, and OpenBLAS, of which the double of cuBLAS is made.  Sets doubles_missing and HAVE_DOUBLES.
AC_DEFUN([RELIQUARY_DOUBLES],
[doubles_missing=
AS_IF([test $have_cuda = no], [doubles_missing="no CUDA back end here: $cuda_missing"],
  [AC_LANG_PUSH([C++])
   AC_MSG_CHECKING([whether $CXX compiles C++17])
   save_CXXFLAGS=$CXXFLAGS
   CXXFLAGS="$CXXFLAGS -std=c++17"
   AC_COMPILE_IFELSE([AC_LANG_PROGRAM([], [[auto f = [] { return 0; }; return f();]])], [AC_MSG_RESULT([yes])],
     [AC_MSG_RESULT([no])
      doubles_missing="no C++ compiler (g++)"])
   CXXFLAGS=$save_CXXFLAGS
   AC_LANG_POP([C++])
   PKG_CHECK_MODULES([OPENBLAS], [openblas], [],
     [doubles_missing="${doubles_missing:+$doubles_missing, }no OpenBLAS (libopenblas-dev)"])])
AS_IF([test "x$doubles_missing" = x], [have_doubles=yes], [have_doubles=no])
AC_SUBST([doubles_missing])
AM_CONDITIONAL([HAVE_DOUBLES], [test $have_doubles = yes])])
