/* ad-config: prints what the installed libad is and what it runs on here. */
#include <ad/config.h>
#include <ad/version.h>
#include <stdio.h>
#include <string.h>

static const char usage[] = "usage: ad-config [--version | --help]\n"
                            "Prints what libad is made of and uses on this machine, one fact a line.\n"
                            "Flags for compilers: pkg-config --cflags --libs libad\n";

int main(int argc, char **argv)
{
    const char *option = argc > 1 ? argv[1] : "";
    bool version = strcmp(option, "--version") == 0, help = strcmp(option, "--help") == 0;
    if (argc > 2 || (argc == 2 && !version && !help)) {
        fputs(usage, stderr);
        return 2;
    }
    fputs(version ? ad_version() : help ? usage : ad_config(), stdout);
    if (version)
        putchar('\n');
    return fflush(stdout) ? 1 : 0;
}
