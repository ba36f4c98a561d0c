/** The completion scripts of the shells. Each asks `draas __complete` for the words that fit. */

/** The shells that there are scripts for. */
export const SHELLS = ["bash", "zsh", "fish"] as const;
export type Shell = typeof SHELLS[number];

const BASH = `# draas completion for bash: eval "$(draas completion bash)"
_draas() {
  local IFS=$'\\n'
  COMPREPLY=($(draas __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
}
complete -o default -F _draas draas
`;

const ZSH = `#compdef draas
# draas completion for zsh: eval "$(draas completion zsh)"
_draas() {
  local -a found
  found=("\${(@f)$(draas __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if (( \${#found} )) && [[ -n "\${found[1]}" ]]; then
    compadd -- "\${found[@]}"
  else
    _files
  fi
}
compdef _draas draas
`;

const FISH = `# draas completion for fish: draas completion fish | source
complete -c draas -f -a '(draas __complete -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'
complete -c draas -n '__fish_seen_subcommand_from create start move' -l file -l config -r -F
`;

/** By shell. */
export const SCRIPTS: Readonly<Record<Shell, string>> = { bash: BASH, zsh: ZSH, fish: FISH };
