# For scripts that give their results as TAP.
number=0
failed=0

# result STATUS NAME: a line.
result() {
    number=$((number + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        failed=1
    fi
}
