# The parameters that the rows to be made to hold want, as `key value path`. Left-alone rows observe some.
/^\[\[/ { wanted = ($0 == "[[rule.want]]") }
wanted && /^sysctl = / {
    split($0, part, "\"")
    path = part[2]
    gsub(/\./, "/", path)
    print part[2], part[4], "/proc/sys/" path
}
