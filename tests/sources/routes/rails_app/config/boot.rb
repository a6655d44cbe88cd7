# Debian keeps the gems where Ruby finds them: there is no Gemfile.
