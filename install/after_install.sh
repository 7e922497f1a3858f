#!/bin/sh
# Runs at the end of `meson install`, with the folder of the libraries: tells the loader of them, and the person what is missing where the loader or
# pkg-config do not look.
case $1 in
/*) libdir=$1 ;;
*) libdir=$MESON_INSTALL_PREFIX/$1 ;;
esac
PATH=$PATH:/usr/sbin:/sbin

if command -v ldconfig >/dev/null; then
    [ "$(id -u)" -ne 0 ] || ldconfig
    case $MESON_INSTALL_PREFIX in
    /usr | /usr/local) ldconfig -p | grep -qF "$libdir/libad.so" || echo "libad: the loader does not look in $libdir; add the folder to /etc/ld.so.conf.d and run ldconfig" ;;
    *) ;; # programs that were linked with pkg-config's flags know the folder
    esac
fi
if command -v pkg-config >/dev/null; then
    [ "$(pkg-config --variable=libdir libad 2>/dev/null)" = "$libdir" ] ||
        echo "libad: pkg-config finds another libad, or none; for this one: export PKG_CONFIG_PATH=$libdir/pkgconfig"
fi
exit 0
